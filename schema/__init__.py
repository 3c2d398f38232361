"""What a frontend sees: types, root fields, mutations and the plan that turns a read into one SQL statement.

Knows the domain and the store; never adapters, connectors or agency files."""
