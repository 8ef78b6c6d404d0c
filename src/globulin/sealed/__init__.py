"""Files that only a passphrase opens."""
