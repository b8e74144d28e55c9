# SPDX-License-Identifier: LGPL-2.1-or-later
# What the tools share. Sourced, with $top set to the top of the source tree.

say() {
        printf '==> %s\n' "$*"
}

die() {
        printf '%s: %s\n' "${0##*/}" "$*" >&2
        exit 1
}

# What is needed for a purpose ("build", "machine", "test") as the package manager of this host calls it.
packages_for() {
        case $1-$2 in
        build-apt)
                echo gcc libc6-dev libjson-c-dev libseccomp-dev libsqlite3-dev libsystemd-dev meson ninja-build
                echo pkg-config
                ;;
        build-dnf)
                echo gcc json-c-devel libseccomp-devel meson ninja-build pkgconf-pkg-config sqlite-devel
                echo systemd-devel
                ;;
        build-pacman)
                echo gcc json-c libseccomp meson ninja pkgconf sqlite systemd-libs
                ;;
        build-zypper)
                echo gcc libjson-c-devel libseccomp-devel meson ninja pkgconf-pkg-config sqlite3-devel
                echo systemd-devel
                ;;
        machine-apt) echo dbus dbus-broker dbus-user-session python3 systemd-container ;;
        machine-dnf) echo dbus-broker dbus-daemon python3 systemd-container ;;
        machine-pacman) echo dbus dbus-broker python systemd ;;
        machine-zypper) echo dbus-1-daemon dbus-broker python3 systemd-container ;;
        test-apt)
                echo binutils check clang clang-tidy gcovr libclang-rt-dev mandoc mmdebstrap polkitd
                echo dunst fonts-dejavu-core grim imagemagick mako-notifier notification-daemon policykit-1-gnome
                echo sway xdotool xfce4-notifyd xterm xvfb
                ;;
        test-dnf)
                echo binutils check-devel clang clang-tools-extra compiler-rt debian-keyring gcovr mandoc mmdebstrap polkit
                echo dejavu-sans-fonts dunst grim ImageMagick mako sway xdotool xfce4-notifyd xterm xorg-x11-server-Xvfb
                ;;
        test-pacman)
                echo binutils check clang compiler-rt mandoc polkit
                echo dunst grim imagemagick mako notification-daemon polkit-gnome sway ttf-dejavu xdotool
                echo xfce4-notifyd xorg-server-xvfb xterm
                ;;
        test-zypper)
                echo binutils check-devel clang clang-tools gcovr mandoc polkit
                echo dejavu-fonts dunst grim ImageMagick mako sway xdotool xfce4-notifyd xterm xorg-x11-server-Xvfb
                ;;
        esac
}

package_manager() {
        for manager in apt dnf pacman zypper; do
                if command -v "$manager" >/dev/null 2>&1; then
                        echo "$manager"
                        return
                fi
        done
}

is_installed() {
        case $1 in
        apt) dpkg-query -W -f '${Status}' "$2" 2>/dev/null | grep -q 'ok installed' ;;
        pacman) pacman -Q "$2" >/dev/null 2>&1 ;;
        *) rpm -q --whatprovides "$2" >/dev/null 2>&1 ;;
        esac
}

# Installs the packages of a purpose that are missing, and none otherwise.
install_packages() {
        manager=$(package_manager)
        if [ -z "$manager" ]; then
                say "no package manager that is known here: what is needed for the $1 must be there"
                return
        fi
        missing=
        for package in $(packages_for "$1" "$manager"); do
                is_installed "$manager" "$package" || missing="$missing $package"
        done
        [ -n "$missing" ] || return 0
        [ "$(id -u)" = 0 ] || die "needs root to install$missing"
        say "installing$missing"
        # The names are words of a list.
        # shellcheck disable=SC2086
        case $manager in
        apt) apt-get -qq update && apt_install $missing ;;
        dnf) dnf -qy install $missing ;;
        pacman) pacman -S --noconfirm --needed $missing ;;
        zypper) zypper -qn install $missing ;;
        esac >/dev/null || die "cannot install$missing"
}

apt_install() {
        DEBIAN_FRONTEND=noninteractive apt-get -qqy --no-install-recommends install "$@"
}

# Configures and builds: build_in COMPILER FOLDER [OPTION...]
build_in() {
        compiler=$1 folder=$2
        shift 2
        configure_in "$compiler" "$folder" "$@" && ninja -C "$folder" --quiet
}

# A folder of another version of the source, or of meson, may not take the options: it is begun anew.
configure_in() {
        compiler=$1 folder=$2
        shift 2
        if [ -f "$folder/build.ninja" ] && meson configure "$folder" "$@" >/dev/null 2>&1; then
                return
        fi
        rm -rf "$folder"
        # shellcheck disable=SC2154
        CC=$compiler meson setup "$folder" "$top" --prefix=/usr --sysconfdir=/etc --localstatedir=/var "$@" >/dev/null
}

build_release() {
        build_in cc "$1" --buildtype=release -Db_lto=true -Dtests=disabled
}
