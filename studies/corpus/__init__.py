"""Networks, sick and healthy, whose labels are measured."""
