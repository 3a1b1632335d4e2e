"""What a person looks at: pictures of lesions, and a page for each patient."""
