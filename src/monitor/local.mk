libsysc_a_SOURCES += \
	src/monitor/ask.c src/monitor/ask.h \
	src/monitor/client.c src/monitor/client.h \
	src/monitor/handover.c src/monitor/handover.h \
	src/monitor/keeper.c src/monitor/keeper.h \
	src/monitor/monitor.c src/monitor/monitor.h \
	src/monitor/pair.c src/monitor/pair.h \
	src/monitor/protocol.c src/monitor/protocol.h \
	src/monitor/server.c src/monitor/server.h \
	src/monitor/supervisor.c src/monitor/supervisor.h \
	src/monitor/terminal.c src/monitor/terminal.h
