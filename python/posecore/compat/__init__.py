"""What other libraries' programs call, under their names: a program changes one import and nothing else."""
