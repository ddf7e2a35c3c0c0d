#include "signing/digest.hpp"

#include <openssl/evp.h>

#include <algorithm>
#include <cassert>
#include <memory>
#include <stdexcept>

namespace weft::signing {
namespace {

constexpr std::size_t tag_bytes = 16;
constexpr std::size_t length_bytes = 4;
constexpr std::size_t usual_topic_bytes_max = 255;
constexpr std::string_view message_tag = "weft1.msg";

/// Fetched once: looking an algorithm up by name costs more than hashing a small message. It is
/// never freed, so that threads which end late can still hash.
const EVP_MD* sha256() {
    static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
    if (fetched == nullptr) throw std::runtime_error("libcrypto offers no SHA-256.");
    return fetched;
}

class HashContext {
public:
    HashContext() : context_(EVP_MD_CTX_new()) {
        if (context_ == nullptr) throw std::bad_alloc();
    }
    ~HashContext() { EVP_MD_CTX_free(context_); }
    HashContext(const HashContext&) = delete;
    HashContext& operator=(const HashContext&) = delete;

    // SHA-256 over memory cannot fail once it was fetched, so a failure is a broken invariant.
    void start() { check(EVP_DigestInit_ex2(context_, sha256(), nullptr)); }
    void add(const void* bytes, std::size_t count) {
        check(EVP_DigestUpdate(context_, bytes, count));
    }
    Digest finish() {
        Digest digest;
        check(EVP_DigestFinal_ex(context_, digest.data(), nullptr));
        return digest;
    }

private:
    static void check([[maybe_unused]] int result) { assert(result == 1); }

    EVP_MD_CTX* context_;
};

/// Two contexts a thread, so that message_digest() may be called while a TaggedHash lives.
struct ThreadContexts {
    HashContext tagged, message;
    bool tagged_in_use = false;
};

ThreadContexts& contexts() {
    thread_local ThreadContexts of_this_thread;
    return of_this_thread;
}

char* put_u32(char* out, std::size_t number) {
    for (int shift = 24; shift >= 0; shift -= 8) {
        *out++ = static_cast<char>(static_cast<std::uint8_t>(number >> shift));
    }
    return out;
}

}  // namespace

TaggedHash::TaggedHash(std::string_view tag) {
    assert(tag.size() <= tag_bytes);
    ThreadContexts& mine = contexts();
    assert(!mine.tagged_in_use && "one TaggedHash at a time in a thread");
    mine.tagged_in_use = true;

    mine.tagged.start();
    char* const end = std::copy(tag.begin(), tag.end(), gathered_.data());
    std::fill(end, gathered_.data() + tag_bytes, '\0');
    count_ = tag_bytes;
}

void TaggedHash::put(const void* bytes, std::size_t count) {
    if (count > gathered_.size() - count_) {
        contexts().tagged.add(gathered_.data(), count_);
        count_ = 0;
        if (count > gathered_.size()) return contexts().tagged.add(bytes, count);
    }
    std::copy_n(static_cast<const char*>(bytes), count, gathered_.data() + count_);
    count_ += count;
}

TaggedHash::~TaggedHash() {
    if (open_) contexts().tagged_in_use = false;
}

TaggedHash& TaggedHash::add(std::string_view bytes) {
    put(bytes.data(), bytes.size());
    return *this;
}

TaggedHash& TaggedHash::add_u8(std::uint8_t number) {
    put(&number, 1);
    return *this;
}

TaggedHash& TaggedHash::add_u16(std::uint16_t number) {
    const std::array<std::uint8_t, 2> bytes{static_cast<std::uint8_t>(number >> 8),
                                            static_cast<std::uint8_t>(number)};
    put(bytes.data(), bytes.size());
    return *this;
}

TaggedHash& TaggedHash::add_u32(std::uint32_t number) {
    std::array<char, length_bytes> bytes;
    put_u32(bytes.data(), number);
    put(bytes.data(), bytes.size());
    return *this;
}

TaggedHash& TaggedHash::add_prefixed(std::string_view bytes) {
    assert(bytes.size() <= UINT32_MAX);
    return add_u32(static_cast<std::uint32_t>(bytes.size())).add(bytes);
}

Digest TaggedHash::finish() {
    assert(open_ && "finish() once");
    open_ = false;
    ThreadContexts& mine = contexts();
    mine.tagged_in_use = false;
    mine.tagged.add(gathered_.data(), count_);
    return mine.tagged.finish();
}

Digest message_digest(std::string_view topic, std::string_view content) {
    assert(topic.size() <= UINT32_MAX && content.size() <= UINT32_MAX);
    HashContext& hash = contexts().message;
    std::array<char, tag_bytes + length_bytes + usual_topic_bytes_max + length_bytes> head;

    // Each call into libcrypto costs about as much as hashing a block: hence one for all that
    // stands before the content.
    char* end = std::copy(message_tag.begin(), message_tag.end(), head.data());
    end = std::fill_n(end, tag_bytes - message_tag.size(), '\0');
    end = put_u32(end, topic.size());
    hash.start();
    if (topic.size() <= usual_topic_bytes_max) {
        end = std::copy(topic.begin(), topic.end(), end);
    } else {
        hash.add(head.data(), static_cast<std::size_t>(end - head.data()));
        hash.add(topic.data(), topic.size());
        end = head.data();
    }
    end = put_u32(end, content.size());
    hash.add(head.data(), static_cast<std::size_t>(end - head.data()));
    hash.add(content.data(), content.size());
    return hash.finish();
}

std::string hex(std::string_view bytes) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    text.reserve(2 * bytes.size());
    for (const char c : bytes) {
        const auto byte = static_cast<std::uint8_t>(c);
        text.push_back(digits[byte >> 4]);
        text.push_back(digits[byte & 15]);
    }
    return text;
}

}  // namespace weft::signing
