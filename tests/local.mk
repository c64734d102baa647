# what is installed and tested of tests/
