"""What makes and checks the documentation: pages made from the code, and the links of all pages."""
