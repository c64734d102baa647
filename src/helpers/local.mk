# separate small programs
