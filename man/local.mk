# what is installed and tested of man/
