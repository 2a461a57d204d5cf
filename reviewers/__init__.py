"""Who is asked: anyone who can be asked again."""
