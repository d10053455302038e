"""Problems known from inside: QUBO, Ising, MAX-SAT, NK landscapes."""
