"""Values that were found elsewhere: from rows that were brought to results, as the benchmark averages them."""
