#include "signing/secret.hpp"

#include <sodium.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <cassert>
#include <new>
#include <utility>

#include "signing/sodium.hpp"

namespace weft::signing {

Secret::Secret(std::size_t bytes) : size_(bytes) {
    init_sodium();
    data_ = static_cast<char*>(sodium_malloc(std::max<std::size_t>(bytes, 1)));
    if (data_ == nullptr) throw std::bad_alloc();
    std::fill_n(data_, bytes, '\0');
}

Secret Secret::copy_of(std::string_view bytes) {
    Secret secret(bytes.size());
    bytes.copy(secret.data_, bytes.size());
    return secret;
}

Secret Secret::random(std::size_t bytes) {
    Secret secret(bytes);
    random_bytes(secret.data_, bytes);
    return secret;
}

Secret::~Secret() {
    sodium_free(data_);
}  // wipes before it frees; nullptr is fine

Secret::Secret(Secret&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

Secret& Secret::operator=(Secret&& other) noexcept {
    if (this != &other) {
        sodium_free(data_);
        data_ = std::exchange(other.data_, nullptr);
        size_ = std::exchange(other.size_, 0);
    }
    return *this;
}

bool Secret::equals(std::string_view other) const noexcept {
    return equal_in_constant_time(reveal(), other);
}

void Secret::shrink_to(std::size_t bytes) noexcept {
    assert(bytes <= size_);
    wipe(data_ + bytes, size_ - bytes);
    size_ = bytes;
}

bool disable_core_dumps() noexcept {
    const rlimit none{0, 0};
    // A core limit of 0 does not stop a crash handler behind a pipe; not being dumpable does.
    const bool limited = setrlimit(RLIMIT_CORE, &none) == 0;
    const bool not_dumpable = prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
    return limited && not_dumpable;
}

}  // namespace weft::signing
