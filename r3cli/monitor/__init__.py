"""Looking at r3 from outside: its log of events, its machine, its folders."""
