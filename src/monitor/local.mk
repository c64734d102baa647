libsysc_a_SOURCES += \
	src/monitor/adopt.c src/monitor/adopt.h \
	src/monitor/ask.c src/monitor/ask.h \
	src/monitor/client.c src/monitor/client.h \
	src/monitor/handover.c src/monitor/handover.h \
	src/monitor/health.c src/monitor/health.h \
	src/monitor/inside.c src/monitor/inside.h \
	src/monitor/keeper.c src/monitor/keeper.h \
	src/monitor/leftovers.c src/monitor/leftovers.h \
	src/monitor/monitor.c src/monitor/monitor.h \
	src/monitor/notify.c src/monitor/notify.h \
	src/monitor/ready.c src/monitor/ready.h \
	src/monitor/ready_network.c src/monitor/ready_network.h \
	src/monitor/restart.c src/monitor/restart.h \
	src/monitor/pair.c src/monitor/pair.h \
	src/monitor/place.c src/monitor/place.h \
	src/monitor/protocol.c src/monitor/protocol.h \
	src/monitor/server.c src/monitor/server.h \
	src/monitor/supervisor.c src/monitor/supervisor.h \
	src/monitor/supervisor_handover.c src/monitor/supervisor_parts.h \
	src/monitor/takeover.c \
	src/monitor/terminal.c src/monitor/terminal.h \
	src/monitor/waiting.c src/monitor/waiting.h
