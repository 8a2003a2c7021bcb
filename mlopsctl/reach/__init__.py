"""How the commands find the app, prove who sends, and start a host on this machine."""
