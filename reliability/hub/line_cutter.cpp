#include "reliability/hub/line_cutter.hpp"

#include <algorithm>
#include <utility>

namespace weft::reliability::hub {

LineCutter::LineCutter(std::size_t bytes_max, Sink sink)
    : bytes_max_(bytes_max), sink_(std::move(sink)) {}

void LineCutter::keep(std::string_view part) {
    const std::size_t room = std::min(part.size(), bytes_max_ - kept_.size());
    kept_.append(part.substr(0, room));
    cut_ = cut_ || room < part.size();
}

void LineCutter::take(std::string_view bytes) {
    for (std::size_t end = bytes.find('\n'); end != std::string_view::npos;
         end = bytes.find('\n')) {
        keep(bytes.substr(0, end));
        bytes.remove_prefix(end + 1);
        sink_(kept_, cut_);
        kept_.clear();
        cut_ = false;
    }
    keep(bytes);
}

void LineCutter::finish() {
    if (kept_.empty() && !cut_) return;
    sink_(kept_, cut_);
    kept_.clear();
    cut_ = false;
}

}  // namespace weft::reliability::hub
