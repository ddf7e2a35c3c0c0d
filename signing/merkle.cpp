#include "signing/merkle.hpp"

#include <algorithm>
#include <cassert>

#include "signing/proof.hpp"

namespace weft::signing {

namespace {

std::string_view bytes_of_cid(const Cid& cid) noexcept {
    return {reinterpret_cast<const char*>(cid.data()), cid.size()};
}

std::string_view bytes_of_all(std::span<const Digest> digests) noexcept {
    static_assert(sizeof(Digest) == 32, "neighbouring digests must form one string of bytes");
    return {reinterpret_cast<const char*>(digests.data()), digests.size() * sizeof(Digest)};
}

constexpr std::size_t parents_of(std::size_t count) noexcept {
    return (count + 1) / 2;
}

}  // namespace

Digest run_digest(const Cid& cid, Kind kind, std::span<const Digest> messages) {
    assert(!messages.empty() && messages.size() <= run_messages_max);
    TaggedHash hash("weft1.run");
    hash.add(bytes_of_cid(cid)).add_u8(static_cast<std::uint8_t>(kind));
    hash.add_u16(static_cast<std::uint16_t>(messages.size())).add(bytes_of_all(messages));
    return hash.finish();
}

Digest leaf_digest(const Cid& cid, std::uint16_t i, std::uint16_t n, const Digest& run) {
    assert(i < n && n <= batch_runs_max);
    TaggedHash hash("weft1.leaf");
    return hash.add(bytes_of_cid(cid)).add_u16(i).add_u16(n).add(bytes_of(run)).finish();
}

Digest node_digest(const Cid& cid, std::uint8_t level, std::uint16_t j, const Digest& left,
                   const Digest& right) {
    assert(level >= 1);
    TaggedHash hash("weft1.node");
    hash.add(bytes_of_cid(cid)).add_u8(level).add_u16(j);
    return hash.add(bytes_of(left)).add(bytes_of(right)).finish();
}

Digest root_from_path(const Cid& cid, const Digest& leaf, std::uint16_t i, std::uint16_t n,
                      std::string_view path) {
    assert(i < n && n <= batch_runs_max && path.size() == path_length(i, n) * sizeof(Digest));
    Digest node = leaf;
    std::size_t position = i;
    std::uint8_t level = 1;
    for (std::size_t count = n; count > 1; count = parents_of(count), position /= 2, ++level) {
        if ((position ^ 1U) >= count) continue;  // No sibling: moves up unchanged.
        Digest sibling;
        std::copy_n(path.begin(), sibling.size(), sibling.begin());
        path.remove_prefix(sibling.size());
        const bool is_left = position % 2 == 0;
        node = node_digest(cid, level, static_cast<std::uint16_t>(position / 2),
                           is_left ? node : sibling, is_left ? sibling : node);
    }
    return node;
}

SignedRoot signed_root(const Digest& fingerprint, std::uint16_t n, const Digest& root) {
    constexpr std::string_view tag = "weft1.root";
    SignedRoot bytes{};  // The rest of the 16 bytes of tag stays zero.
    std::copy(tag.begin(), tag.end(), bytes.begin());
    auto next = bytes.begin() + 16;
    *next++ = static_cast<char>(suite_1);
    next = std::copy(fingerprint.begin(), fingerprint.end(), next);
    *next++ = static_cast<char>(n >> 8U);
    *next++ = static_cast<char>(n & 0xFFU);
    next = std::copy(root.begin(), root.end(), next);
    assert(next == bytes.end());
    return bytes;
}

void MerkleTree::build(const Cid& cid, std::span<const Digest> leaves) {
    assert(!leaves.empty() && leaves.size() <= batch_runs_max);
    leaves_ = leaves.size();
    nodes_.assign(leaves.begin(), leaves.end());
    std::size_t begin = 0;
    std::uint8_t level = 1;
    for (std::size_t count = leaves_; count > 1; count = parents_of(count), ++level) {
        for (std::size_t left = 0; left < count; left += 2) {
            const Digest& first = nodes_[begin + left];
            const bool paired = left + 1 < count;
            nodes_.push_back(paired ? node_digest(cid, level, static_cast<std::uint16_t>(left / 2),
                                                  first, nodes_[begin + left + 1])
                                    : Digest(first));
        }
        begin += count;
    }
}

const Digest& MerkleTree::root() const {
    assert(!nodes_.empty());
    return nodes_.back();
}

void MerkleTree::append_path(std::uint16_t i, std::string& path) const {
    assert(i < leaves_);
    std::size_t begin = 0;
    std::size_t position = i;
    for (std::size_t count = leaves_; count > 1; count = parents_of(count), position /= 2) {
        const std::size_t sibling = position ^ 1U;
        if (sibling < count) path += bytes_of(nodes_[begin + sibling]);
        begin += count;
    }
}

}  // namespace weft::signing
