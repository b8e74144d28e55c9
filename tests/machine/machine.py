# SPDX-License-Identifier: LGPL-2.1-or-later
"""A disposable machine with a real systemd: an overlay over a tree, booted by systemd-nspawn.

    with Machine("/", build="/path/to/build") as machine:
        machine.systemctl("start", "exposured")
        print(machine.output("exposurectl", "list"))

Everything it makes lives in one temporary folder and in the mount namespace of this process, so that nothing
stays behind when the process is killed. As a program it boots a machine, runs one command in it, and ends it.
"""

import argparse
import contextlib
import ctypes
import fcntl
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
BOOT_SECONDS = 60
RUN_SECONDS = 120
TARGET = "exposured-machine.target"
USER_ID = 47110
FOLDER_PREFIX = "exposured-machine-"

# Started by many trees, needed by no test, or unable to work in a container.
LOGIND = ("systemd-logind.service", "dbus-org.freedesktop.login1.service")
MASKED = LOGIND + (
    "console-getty.service",
    "dev-hugepages.mount",
    "dev-mqueue.mount",
    "systemd-firstboot.service",
    "systemd-homed.service",
    "systemd-networkd.service",
    "systemd-networkd.socket",
    "systemd-oomd.service",
    "systemd-oomd.socket",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-udevd-control.socket",
    "systemd-udevd-kernel.socket",
    "systemd-udevd.service",
    "timers.target",
)

TARGET_TEXT = """[Unit]
Description=A machine for tests
Requires=basic.target dbus.service
After=basic.target dbus.service
"""

USER_MANAGER_TEXT = f"""[Unit]
Description=A user manager for tests

[Service]
Type=notify
User={USER_ID}
Delegate=yes
KillMode=mixed
Environment=XDG_RUNTIME_DIR=/run/user/{USER_ID} HOME=/home/tester
ExecStartPre=+/usr/bin/install -d -m 0700 -o {USER_ID} -g {USER_ID} /run/user/{USER_ID} /home/tester
ExecStart=/bin/sh -c 'for s in /usr/lib/systemd/systemd /lib/systemd/systemd; do test -x $s && exec $s --user; done'
"""

# The sandbox of the service would keep a sanitizer from its work: it traces its own threads and maps freely.
SANITIZER_TEXT = """[Service]
Environment=ASAN_OPTIONS=detect_leaks=1:abort_on_error=0:exitcode=99
Environment=LSAN_OPTIONS=exitcode=99
Environment=UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:exitcode=99
SystemCallFilter=
MemoryDenyWriteExecute=no
LimitAS=infinity
MemoryMax=infinity
"""

CLONE_NEWNS = 0x00020000
MS_REC_PRIVATE = 0x4000 | (1 << 18)
MS_REMOUNT_BIND = 0x20 | 0x1000
PR_SET_PDEATHSIG = 1

# Only one hierarchy, or two beside each other.
CGROUP_TREES = ("/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/systemd")

libc = ctypes.CDLL(None, use_errno=True)


class CannotBoot(Exception):
    """A machine cannot be had here; the text says why."""


class CommandFailed(Exception):
    """A command in a machine failed where it should not."""


def own_mount_namespace(done=[]):
    """Mounts made from now on are seen by this process and its children alone."""
    if done:
        return
    if libc.unshare(CLONE_NEWNS) < 0:
        raise CannotBoot(f"no mount namespace of our own: {os.strerror(ctypes.get_errno())}")
    if libc.mount(b"none", b"/", None, MS_REC_PRIVATE, None) < 0:
        raise CannotBoot(f"mounts cannot be made private: {os.strerror(ctypes.get_errno())}")
    done.append(True)


def die_with_parent():
    """systemd-nspawn takes SIGTERM as the order to power the machine off."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def check_host(tree):
    """Raises CannotBoot where this host cannot boot a machine from this tree."""
    if os.geteuid() != 0:
        raise CannotBoot("needs root")
    for program in ("systemd-nspawn", "nsenter"):
        if not shutil.which(program):
            raise CannotBoot(f"{program} is not installed")
    if not os.path.isdir(tree):
        raise CannotBoot(f"the tree {tree} does not exist")
    if os.stat(tree).st_dev != os.stat(os.path.join(tree, "usr")).st_dev:
        raise CannotBoot(f"/usr of {tree} is on another file system")


def make_cgroups(name):
    """Folders for a machine in the trees of control groups that systemd uses: two that share one would end each other's
    services. Returns their paths."""
    made = []
    for tree in CGROUP_TREES:
        if os.path.exists(os.path.join(tree, "cgroup.procs")):
            made.append(os.path.join(tree, name))
            os.makedirs(made[-1], exist_ok=True)
    return made


def remove_cgroups(name):
    for tree in CGROUP_TREES:
        for folder, _, _ in os.walk(os.path.join(tree, name), topdown=False):
            with contextlib.suppress(OSError):
                os.rmdir(folder)


def enter_cgroups(cgroups):
    for folder in cgroups:
        with open(os.path.join(folder, "cgroup.procs"), "w") as file:
            file.write("0")


def mount(*arguments):
    done = subprocess.run(["mount", *arguments], stderr=subprocess.PIPE, text=True)
    return None if done.returncode == 0 else done.stderr.strip()


def lock(folder):
    """A file descriptor that holds the lock of a folder, or -1 when another process has it."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return -1
    return descriptor


def remove_left_behind(parent):
    """Removes the folders of processes that were killed; a young one may not be locked yet."""
    for folder in glob.glob(os.path.join(parent, FOLDER_PREFIX + "*")):
        with contextlib.suppress(FileNotFoundError):
            if time.time() - os.stat(folder).st_mtime < 60:
                continue
            descriptor = lock(folder)
            if descriptor >= 0:
                remove_cgroups(machine_name(folder))
                shutil.rmtree(folder, ignore_errors=True)
                os.close(descriptor)


def machine_name(folder):
    return os.path.basename(folder).replace("_", "x")


class Machine:
    """A context manager: booted inside, gone outside.

    tree    the root file system below the overlay, never written to
    build   a configured and built meson folder to install, or None
    broker  "dbus-broker" or "dbus-daemon"
    target  the unit to boot; by default no more than the message bus
    """

    def __init__(self, tree, build=None, broker="dbus-broker", target=TARGET):
        self.tree, self.build, self.broker, self.target = tree, build, broker, target
        self.cleanup = contextlib.ExitStack()
        self.leader = None

    # Life

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            self.cleanup = stack
            check_host(self.tree)
            own_mount_namespace()
            self._make_folder()
            self._mount()
            self._prepare()
            self._boot()
            self.cleanup = stack.pop_all()
        return self

    def __exit__(self, *unused):
        self.cleanup.close()

    def _make_folder(self):
        parent = os.environ.get("TMPDIR", "/var/tmp")
        remove_left_behind(parent)
        self.folder = tempfile.mkdtemp(prefix=FOLDER_PREFIX, dir=parent)
        self.cleanup.callback(shutil.rmtree, self.folder, ignore_errors=True)
        self.cleanup.callback(os.close, lock(self.folder))
        self.name = machine_name(self.folder)
        self.root = os.path.join(self.folder, "root")

    def _mount(self):
        error = self._mount_overlay()
        if error:
            # The upper layer cannot be on every file system, but always on this one.
            error = mount("-t", "tmpfs", "-o", "mode=0755", "tmpfs", self.folder)
            if not error:
                self.cleanup.callback(subprocess.run, ["umount", "-l", self.folder])
                error = self._mount_overlay()
        if error:
            raise CannotBoot(f"no overlay: {error}")
        self.cleanup.callback(subprocess.run, ["umount", "-l", self.root])

    def _mount_overlay(self):
        layers = {name: os.path.join(self.folder, name) for name in ("upper", "work", "root")}
        for path in layers.values():
            os.makedirs(path, exist_ok=True)
        os.chmod(layers["upper"], 0o755)
        return mount("-t", "overlay", "overlay", "-o",
                     f"lowerdir={self.tree},upperdir={layers['upper']},workdir={layers['work']}", layers["root"])

    def _prepare(self):
        self.write("/etc/fstab", "")
        # The file is replaced, as one that is not empty may be read-only; empty, systemd fills it without asking.
        self.write("/etc/machine-id", "")
        self.write(f"/etc/systemd/system/{TARGET}", TARGET_TEXT)
        self.write("/usr/lib/sysusers.d/exposured-machine.conf",
                   f'u tester {USER_ID} "Tester" /home/tester /bin/sh\n')
        for unit in MASKED:
            self.link(f"/etc/systemd/system/{unit}", "/dev/null")
        self._choose_broker()
        if self.build:
            self._install()
        self._host_command("systemd-sysusers", f"--root={self.root}")

    def _choose_broker(self):
        unit = {"dbus-broker": "dbus-broker.service", "dbus-daemon": "dbus.service"}[self.broker]
        for scope in ("system", "user"):
            shipped = f"/usr/lib/systemd/{scope}/{unit}"
            if not os.path.exists(self.path(shipped)):
                raise CannotBoot(f"{self.tree} has no {self.broker}")
            self.link(f"/etc/systemd/{scope}/dbus.service", shipped)

    def _install(self):
        self._host_command("meson", "install", "-C", self.build, "--no-rebuild", "--quiet", "--destdir", self.root)
        if is_sanitized(self.build):
            for unit in ("system/exposured", "user/exposured", "user/exposure-notify"):
                # In a service of a user's manager the search for leaks hangs for a minute now and then, at the end of
                # the process. For these the tests with a bus of their own look for leaks.
                text = SANITIZER_TEXT.replace("detect_leaks=1", f"detect_leaks={int(unit.startswith('system/'))}")
                self.write(f"/etc/systemd/{unit}.service.d/90-sanitizer.conf", text)

    def _host_command(self, *command):
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        if done.returncode != 0:
            raise CommandFailed(f"{' '.join(command)}: status {done.returncode}\n{done.stdout}")

    def _boot(self):
        notify = os.path.join(self.folder, "notify")
        self.cgroups = make_cgroups(self.name)
        self.cleanup.callback(remove_cgroups, self.name)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(notify)
            self.console = os.path.join(self.folder, "console")
            with open(self.console, "w") as console:
                self.nspawn = subprocess.Popen(
                    ["systemd-nspawn", "--register=no", "--keep-unit", "--private-network", "--notify-ready=yes",
                     "--timezone=off", "--console=read-only", "-D", self.root, "-M", self.name,
                     "-b", "--", f"--unit={self.target}"],
                    env={"PATH": PATH, "NOTIFY_SOCKET": notify, "SYSTEMD_NSPAWN_UNIFIED_HIERARCHY": "1"},
                    stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                    start_new_session=True, preexec_fn=self._before_nspawn)
            self.cleanup.callback(self._power_off)
            self._await_ready(ready)
        state = self.run("systemctl", "is-system-running", "--wait", check=False).stdout.strip()
        if state != "running":
            failed = self.run("systemctl", "--failed", "--plain", "--no-legend", check=False).stdout
            raise CommandFailed(f"the machine is up but {state or 'does not answer'}:\n{failed}")

    def _before_nspawn(self):
        die_with_parent()
        enter_cgroups(self.cgroups)

    def _await_ready(self, ready):
        """systemd-nspawn tells first who PID 1 is, then, for PID 1, that it is up."""
        deadline = time.monotonic() + BOOT_SECONDS
        ready.settimeout(0.2)
        while time.monotonic() < deadline and self.nspawn.poll() is None:
            try:
                lines = ready.recv(4096).decode(errors="replace").splitlines()
            except socket.timeout:
                continue
            for line in lines:
                key, _, value = line.partition("=")
                if key == "X_NSPAWN_LEADER_PID":
                    self.leader = int(value)
                    self.leader_fd = os.pidfd_open(self.leader)
            if "READY=1" in lines and self.leader:
                return
        with open(self.console, errors="replace") as console:
            raise CannotBoot(f"the machine does not come up:\n{console.read()[-4000:]}")

    def _power_off(self):
        if self.leader:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.leader_fd, signal.SIGRTMIN + 4)
            os.close(self.leader_fd)
        try:
            self.nspawn.wait(30 if self.leader else 0)
        except subprocess.TimeoutExpired:
            self.nspawn.kill()
            self.nspawn.wait()

    # Files

    def path(self, path):
        """Where a file of the machine is seen from here. Absolute links in it are not followed rightly."""
        base = f"/proc/{self.leader}/root" if self.leader else self.root
        return base + path

    def write(self, path, text, mode=0o644):
        """Replaces a file by a rename, as an editor or a package manager does."""
        path = self.path(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        new = f"{path}.{os.getpid()}.new"
        with open(new, "w") as file:
            file.write(text)
        os.chmod(new, mode)
        os.rename(new, path)

    def link(self, path, target):
        path = self.path(path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path)
        os.symlink(target, path)

    def remove(self, path):
        path = self.path(path)
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
        else:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)

    # Commands

    def enter(self, *command, user=False, env={}):
        """The command line that runs a command in the machine, as root, as its user, or as the one of that number."""
        variables = {"PATH": PATH, "LC_ALL": "C.UTF-8", "TERM": "xterm", "SYSTEMD_COLORS": "0", "SYSTEMD_PAGER": ""}
        identity = ()
        if user:
            uid = USER_ID if user is True else user
            identity = ("-S", str(uid), "-G", str(uid))
            runtime = f"/run/user/{uid}"
            variables |= {"XDG_RUNTIME_DIR": runtime, "DBUS_SESSION_BUS_ADDRESS": f"unix:path={runtime}/bus",
                          "HOME": home(uid)}
        variables |= env
        return ["nsenter", "-t", str(self.leader), "-a", *identity, "env", "-i",
                *(f"{key}={value}" for key, value in variables.items()), *command]

    def run(self, *command, check=True, input=None, timeout=RUN_SECONDS, user=False, env={}):
        done = subprocess.run(self.enter(*command, user=user, env=env), stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=timeout,
                              input=input if input is not None else "")
        if check and done.returncode != 0:
            said = (done.stdout + done.stderr)[-4000:]
            raise CommandFailed(f"{' '.join(command)[:400]}: status {done.returncode}\n{said}")
        return done

    def output(self, *command, **options):
        return self.run(*command, **options).stdout

    def systemctl(self, *arguments, **options):
        return self.run("systemctl", *arguments, **options)

    def popen(self, *command, user=False, env={}, **options):
        """A command that goes on; end it with stop()."""
        return subprocess.Popen(self.enter(*command, user=user, env=env), start_new_session=True,
                                preexec_fn=die_with_parent, **options)

    # What tests ask often

    def systemd_version(self):
        return int(self.output("systemctl", "--version").split()[1].split(".")[0].split("~")[0])

    def broker_pid(self):
        return self.main_pid("dbus.service")

    def main_pid(self, unit, user=False):
        """The process of a service, as this host numbers it; 0 when it does not run."""
        show = ("systemctl", *(("--user",) if user else ()), "show", "-P")
        group = self.output(*show, "ControlGroup", unit, user=user).strip()
        inner = self.output(*show, "MainPID", unit, user=user).strip()
        if inner == "0" or not group:
            return 0
        return self.host_pid(int(inner))

    def host_pid(self, inner):
        for entry in os.listdir("/proc"):
            if entry.isdigit() and inner_pid(entry) == inner and same_namespace(entry, self.leader):
                return int(entry)
        return 0

    def kill(self, pid, number):
        """Signals a process of this machine, as this host numbers it; never another one that got its number since."""
        process = os.pidfd_open(pid)
        try:
            if not same_namespace(pid, self.leader):
                raise ProcessLookupError(f"{pid} is no process of the machine any more")
            signal.pidfd_send_signal(process, number)
        finally:
            os.close(process)

    def journal(self, unit):
        self.run("journalctl", "--sync", check=False)
        return self.output("journalctl", "--no-pager", "-o", "cat", "-u", unit, check=False)

    def load_shipped(self, user=False):
        """Loads every service unit that the tree ships, a template by an instance of it, and starts none: what is only
        ordered after a unit needs it to be loaded."""
        scope = ("--user",) if user else ()
        text = self.output("systemctl", *scope, "list-unit-files", "--type=service", "--plain", "--no-legend",
                           user=user)
        names = [line.split()[0].replace("@.", "@shipped.") for line in text.splitlines()]
        after = "".join(f"After={name}\n" for name in names)
        self.write(f"/etc/systemd/{'user' if user else 'system'}/shipped.target", f"[Unit]\n{after}")
        self.systemctl(*scope, "daemon-reload", user=user)
        self.systemctl(*scope, "start", "shipped.target", user=user)

    def start_sessions(self, *uids):
        """Real managers of users, that linger without a session, beside the one of the machine."""
        users = "".join(f'u u{uid} {uid} "User" {home(uid)} /bin/sh\n' for uid in uids if uid != USER_ID)
        self.run("systemd-sysusers", "-", input=users)
        for uid in uids:
            self.run("install", "-d", "-m", "0700", "-o", str(uid), "-g", str(uid), home(uid))
            self.write(f"/var/lib/systemd/linger/{os.path.basename(home(uid))}", "")
        # Journals of users are of their own only where they are kept.
        self.run("sh", "-c", "mkdir -p /var/log/journal && journalctl --flush")
        for unit in LOGIND:
            self.remove(f"/etc/systemd/system/{unit}")
        self.systemctl("daemon-reload")
        self.systemctl("restart", LOGIND[0])
        self.systemctl("start", *(f"user@{uid}.service" for uid in uids))

    def start_user_manager(self):
        self.write("/run/systemd/system/exposured-user-manager.service", USER_MANAGER_TEXT)
        self.systemctl("start", "exposured-user-manager.service")
        self.run("systemctl", "--user", "start", "dbus.socket", user=True)


def stop(process, number=signal.SIGTERM):
    """Ends what popen() began, the part inside the machine too. Of one that was waited for the number may be
    another's by now."""
    if process.returncode is not None:
        return process.returncode
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        return process.wait()


def remount_writable(pid, path):
    """Takes the read-only flag off a mount that a process sees. No program is run: the process may see none."""
    child = os.fork()
    if child == 0:
        namespace = os.open(f"/proc/{pid}/ns/mnt", os.O_RDONLY)
        failed = libc.setns(namespace, CLONE_NEWNS) or libc.mount(None, path.encode(), None, MS_REMOUNT_BIND, None)
        os._exit(1 if failed else 0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) != 0:
        raise CommandFailed(f"{path} of process {pid} cannot be made writable")


def home(uid):
    """The folder of a user of a machine."""
    return "/home/tester" if uid == USER_ID else f"/home/u{uid}"


def inner_pid(pid):
    """The number of a process in its innermost namespace, or None."""
    try:
        with open(f"/proc/{pid}/status") as status:
            for line in status:
                if line.startswith("NSpid:"):
                    return int(line.split()[-1])
    except (FileNotFoundError, ProcessLookupError):
        pass
    return None


def same_namespace(pid, other):
    try:
        return os.readlink(f"/proc/{pid}/ns/pid") == os.readlink(f"/proc/{other}/ns/pid")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return False


def is_sanitized(build):
    """Whether the daemon of this build carries a sanitizer."""
    program = os.path.join(build, "daemon", "exposured")
    if not os.path.exists(program):
        return False
    with open(program, "rb") as file:
        return b"__asan_init" in file.read()


def exit_on_signals():
    """SIGTERM and SIGHUP leave by the same way as an error, so that machines are powered off."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))


def main():
    parser = argparse.ArgumentParser(description="Boots a disposable machine and runs a command in it.")
    parser.add_argument("--tree", default="/", help="the tree below the overlay (default: %(default)s)")
    parser.add_argument("--build", help="a built meson folder to install into the machine")
    parser.add_argument("--broker", default="dbus-broker", choices=("dbus-broker", "dbus-daemon"))
    parser.add_argument("--target", default=TARGET, help="the unit to boot (default: %(default)s)")
    parser.add_argument("--load-all", action="store_true", help="load all services that the tree ships")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if not arguments.command:
        parser.error("which command?")
    exit_on_signals()
    try:
        with Machine(arguments.tree, arguments.build, arguments.broker, arguments.target) as machine:
            if arguments.load_all:
                machine.load_shipped()
            return subprocess.run(machine.enter(*arguments.command), preexec_fn=die_with_parent).returncode
    except (CannotBoot, CommandFailed) as error:
        print(f"machine: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
