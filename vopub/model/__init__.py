"""What vopub says about data: pure types that touch no file, network or process."""
