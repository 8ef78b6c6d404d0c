"""Results for people to read: web page, PDF, charts, terminal tables. Nothing is computed here."""
