"""Tables from files of any usual dialect."""
