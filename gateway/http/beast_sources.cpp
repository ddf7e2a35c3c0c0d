// The compiled half of Asio and Beast, once for all files that include them.

#include <utility>

#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
