# files of src/monitor
