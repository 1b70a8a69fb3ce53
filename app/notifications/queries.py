"""What one has been told. Whose notices they are is always whoever asks: nobody reads another's."""
