"""From chunks to something that can be searched: vectors, the index, and the questions that judge it."""
