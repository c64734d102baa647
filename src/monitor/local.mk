libsysc_a_SOURCES += \
	src/monitor/ask.c src/monitor/ask.h \
	src/monitor/client.c src/monitor/client.h \
	src/monitor/handover.c src/monitor/handover.h \
	src/monitor/monitor.c src/monitor/monitor.h \
	src/monitor/protocol.c src/monitor/protocol.h \
	src/monitor/server.c src/monitor/server.h \
	src/monitor/supervisor.c src/monitor/supervisor.h \
	src/monitor/terminal.c src/monitor/terminal.h
