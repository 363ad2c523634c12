def test(rest): return 0
test_core = lint = test
