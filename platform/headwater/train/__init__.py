"""Training: the base model, the training set, LoRA fine-tuning and generation."""
