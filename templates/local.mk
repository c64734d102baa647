# what is installed and tested of templates/
