# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real notification servers on a screen that nobody sees, and what a person would do with them."""

import glob
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time

PATIENCE = 30
WIDTH, HEIGHT = 720, 360
NOBODY = 65534


def await_true(condition, what, seconds=PATIENCE):
    deadline = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"no {what} within {seconds} s")
        time.sleep(0.02)
    return answer


class Desktop:
    """A screen, a folder of its own, and the server that sub-classes start on it."""

    name = None
    programs = ()
    server = None
    # Whether a click on the notification itself is told as its default action.
    has_default = True

    def __init__(self, environment, uid=None):
        """The server runs as that user, where it must be who the bus is of."""
        self.server_identity = {"user": uid, "group": uid, "extra_groups": []} if uid else {}
        self.folder = tempfile.mkdtemp(prefix="exposured-desktop-")
        self.environment = environment | {"XDG_CONFIG_HOME": f"{self.folder}/config", "HOME": self.folder,
                                          "XDG_CACHE_HOME": f"{self.folder}/cache", "GDK_BACKEND": "x11",
                                          "NO_AT_BRIDGE": "1", "GSETTINGS_BACKEND": "memory"}
        self.processes = []
        if uid:
            os.chown(self.folder, uid, uid)
        try:
            self.start()
        except BaseException:
            self.close()
            raise

    @classmethod
    def missing(cls):
        """The program that is not installed, or nothing."""
        return next((p for p in cls.programs if not shutil.which(p) and not os.path.exists(p)), "")

    def start(self):
        raise NotImplementedError

    def run(self, *command, **more):
        with open(f"{self.folder}/{os.path.basename(command[0])}.log", "ab") as log:
            process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                                       start_new_session=True, **more)
        self.processes.append(process)
        return process

    def write(self, path, text, mode=0o644):
        path = f"{self.folder}/{path}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, mode)
        return path

    def do(self, *command):
        return subprocess.run(command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              timeout=PATIENCE, check=True).stdout

    def close(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def picture(self, path):
        """What is on the screen, as a file."""
        raise NotImplementedError

    def invoke(self, id, action):
        """What a person does to take an action of a notification."""
        raise NotImplementedError

    def is_empty(self):
        """Whether no notification is on the screen."""
        raise NotImplementedError

    def restart(self):
        """The server, which was started last."""
        process = self.processes.pop()
        process.terminate()
        process.wait()
        self.run(self.server, **self.server_identity)


class Screen(Desktop):
    """X, on a number that is free. Notifications are windows of that class."""

    window = None

    def start(self):
        reader, writer = os.pipe()
        self.run("Xvfb", "-displayfd", str(writer), "-screen", "0", f"{WIDTH}x{HEIGHT}x24", "-nolisten", "tcp",
                 pass_fds=[writer])
        os.close(writer)
        with os.fdopen(reader) as f:
            number = f.readline().strip()
        assert number, "no screen"
        self.environment["DISPLAY"] = f":{number}"
        self.environment["GDK_BACKEND"] = "x11"

    def picture(self, path):
        self.do("import", "-window", "root", path)

    def windows(self, name):
        """Geometries (x, y, width, height) of what is on the screen under that name."""
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--class", name], env=self.environment,
                               stdout=subprocess.PIPE, text=True, check=False).stdout.split()
        return [geometry for window in found if (geometry := self.geometry(window))]

    def geometry(self, window):
        try:
            text = self.do("xdotool", "getwindowgeometry", "--shell", window)
        except subprocess.CalledProcessError:
            # It went meanwhile.
            return None
        values = dict(line.split("=", 1) for line in text.splitlines())
        return tuple(int(values[key]) for key in ("X", "Y", "WIDTH", "HEIGHT"))

    def is_empty(self):
        return not self.windows(self.window)

    def click(self, x, y, button=1):
        self.do("xdotool", "mousemove", str(x), str(y), "click", str(button))


DEFAULT_BUTTON, MENU_BUTTON = 1, 2


class Dunst(Screen):
    name = server = "dunst"
    window = "Dunst"
    programs = ("Xvfb", "dunst", "dunstctl", "xdotool", "import")

    def start(self):
        super().start()
        # What a person picks from the menu of the actions.
        menu = self.write("menu", f"#!/bin/sh\ngrep \"$(cat {self.folder}/choice)\"\n", 0o755)
        self.write("config/dunst/dunstrc", f"[global]\n font = DejaVu Sans 10\n dmenu = {menu}\n offset = 20x20\n"
                                           " width = 420\n mouse_left_click = do_action, close_current\n"
                                           " mouse_middle_click = context\n icon_position = left\n"
                                           " max_icon_size = 48\n padding = 12\n horizontal_padding = 12\n"
                                           " min_icon_size = 48\n frame_width = 1\n corner_radius = 6\n")
        self.run(self.server, **self.server_identity)

    def invoke(self, id, action):
        x, y, width, height = await_true(lambda: self.windows(self.window), "window")[0]
        self.write("choice", action.capitalize())
        self.click(x + width // 2, y + height // 2, DEFAULT_BUTTON if action == "default" else MENU_BUTTON)


class Mako(Desktop):
    name = server = "mako"
    programs = ("sway", "mako", "makoctl", "grim")

    def start(self):
        runtime = f"{self.folder}/runtime"
        os.mkdir(runtime, 0o700)
        self.environment |= {"XDG_RUNTIME_DIR": runtime, "WLR_BACKENDS": "headless", "WLR_RENDERER": "pixman",
                             "WLR_LIBINPUT_NO_DEVICES": "1"}
        config = self.write("sway", f"output * resolution {WIDTH}x{HEIGHT} bg #3a4a5a solid_color\n")
        # The compositor refuses to run as root.
        nobody = {}
        if os.geteuid() == 0:
            os.chmod(self.folder, 0o711)
            os.chown(runtime, NOBODY, NOBODY)
            nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
        self.run("sway", "-c", config, **nobody)
        socket = await_true(lambda: [p for p in glob.glob(f"{runtime}/wayland-*") if not p.endswith(".lock")],
                            "compositor")[0]
        self.environment["WAYLAND_DISPLAY"] = os.path.basename(socket)
        self.write("config/mako/config", "font=DejaVu Sans 10\nwidth=420\nheight=200\nmax-icon-size=48\n"
                                         "border-radius=6\nmargin=20\npadding=12\n")
        self.run(self.server)

    def is_empty(self):
        return not json.loads(self.do("makoctl", "list"))["data"][0]

    def invoke(self, id, action):
        self.do("makoctl", "invoke", "-n", str(id), action)

    def picture(self, path):
        self.do("grim", path)


class Gtk(Screen):
    """Buttons in a row at the bottom; distances from the left and upper side, or the others where negative."""

    buttons = {}

    def start(self):
        super().start()
        self.run(self.server)

    def invoke(self, id, action):
        x, y, width, height = max(await_true(lambda: self.windows(self.window), "window"), key=lambda w: w[2] * w[3])
        dx, dy = self.buttons[action]
        self.click(x + (width + dx if dx < 0 else dx), y + (height + dy if dy < 0 else dy))


class Xfce(Gtk):
    name = "xfce4-notifyd"
    server = "/usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd"
    window = "xfce4-notifyd"
    # A default action without a label is none here, and one with a label is a button beside the others.
    has_default = False
    buttons = {"details": (-148, -31), "accept": (-56, -31)}
    programs = ("Xvfb", "xdotool", "import", server)


class NotificationDaemon(Gtk):
    name = "notification-daemon"
    server = "/usr/lib/notification-daemon/notification-daemon"
    window = "notification-daemon"
    buttons = {"default": (150, 80), "details": (-149, -39), "accept": (-85, -39)}
    programs = ("Xvfb", "xdotool", "import", server)


DESKTOPS = (Dunst, Mako, Xfce, NotificationDaemon)
