"""Networks that public questions are about, rebuilt: broken, and mended."""
