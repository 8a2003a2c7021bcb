"""The ledger: releases, lanes and notes, stored above the port for rows."""
