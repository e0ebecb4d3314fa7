"""PostgreSQL tables as assets, and the sensor that keeps them equal to the lake's."""
