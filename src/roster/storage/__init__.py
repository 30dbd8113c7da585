"""PostgreSQL: connections, transactions, migrations, the embedded server. The only package that knows the driver."""
