# what is installed and tested of config/
