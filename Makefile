all install clean:
