/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A service that does nothing: what a call to it takes under a flood, a call to any service takes. */
#include <stdio.h>
#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

int main(void) {
        sd_event *event;
        sd_bus *bus;

        if (sd_event_default(&event) < 0 || sd_bus_open_system(&bus) < 0 ||
            sd_bus_request_name(bus, "org.exposured.Reference1", 0) < 0 || sd_bus_attach_event(bus, event, 0) < 0)
                return 1;
        (void) puts("ready");
        (void) fflush(stdout);
        return sd_event_loop(event) < 0;
}
