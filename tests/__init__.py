"""The tests of Okno: one folder per package, the sample agencies (`fakes`), and the checks of the house itself."""
