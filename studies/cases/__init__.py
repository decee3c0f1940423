"""Networks of public questions, rebuilt; and healthy ones, as people build."""
