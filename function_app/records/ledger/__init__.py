"""The ledger: releases, lanes and named records, stored above the port for rows."""
