"""The inbox: events and claims, stored above the port for rows."""
