"""False alarms and detection of the data check, on data whose faults are known."""
