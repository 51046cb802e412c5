"""One file per procedure: facts in, a plan or a refusal out."""
