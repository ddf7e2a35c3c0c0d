#pragma once
// Lays one layer over another.
// Threads: pure function.
#include "config/value.hpp"

namespace weft::config {

/// Maps merge key by key; whatever else `over` has replaces what `base` had, with its origin. A
/// null map says nothing and changes nothing; keys keep the order in which they first appeared.
void merge(Value& base, Value over);

}  // namespace weft::config
