# what is installed and tested of hooks/
