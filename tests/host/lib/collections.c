/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists, bitmaps, byte rings, sorting and hashes. */
#include "test.h"

#include <string.h>

#include "lib/bitmap.h"
#include "lib/hash.h"
#include "lib/list.h"
#include "lib/ring.h"
#include "lib/sort.h"

struct element {
	int value;
	struct list_head link;
};

static struct list_head list = LIST_INIT(list);
static struct list_head other_list = LIST_INIT(other_list);
static struct element elements[10];

static int reset_lists(void **state)
{
	(void)state;
	list_init(&list);
	list_init(&other_list);
	for (int i = 0; i < 10; i++) {
		elements[i].value = i;
		list_init(&elements[i].link);
	}
	return 0;
}

static void expect_list(struct list_head *head, const char *digits)
{
	struct element *element;
	size_t i = 0;

	list_for_each_entry (element, head, link) {
		assert_int_equal(element->value, digits[i] - '0');
		i++;
	}
	assert_int_equal(digits[i], 0);
	list_for_each_entry_reverse(element, head, link)
	{
		assert_int_equal(element->value, digits[--i] - '0');
	}
	assert_int_equal(i, 0);
	assert_int_equal(list_length(head), strlen(digits));
	assert_int_equal(list_empty(head), !*digits);
}

static void list_adds_at_both_ends(void **state)
{
	(void)state;
	expect_list(&list, "");
	assert_null(list_first_entry_or_null(&list, struct element, link));
	list_add_tail(&elements[1].link, &list);
	assert_true(list_is_singular(&list));
	list_add_tail(&elements[2].link, &list);
	list_add(&elements[0].link, &list);
	expect_list(&list, "012");
	list_add_tail(&elements[9].link, &elements[1].link);
	expect_list(&list, "0912");
	assert_true(list_is_last(&elements[2].link, &list));
	assert_ptr_equal(list_first_entry(&list, struct element, link), &elements[0]);
	assert_ptr_equal(list_last_entry(&list, struct element, link), &elements[2]);
}

static void list_remove_leaves_the_element_on_no_list(void **state)
{
	(void)state;
	for (int i = 0; i < 4; i++)
		list_add_tail(&elements[i].link, &list);
	list_remove(&elements[2].link);
	assert_true(list_empty(&elements[2].link));
	list_remove(&elements[2].link);
	expect_list(&list, "013");
	list_replace(&elements[1].link, &elements[7].link);
	expect_list(&list, "073");
	list_move(&elements[3].link, &list);
	list_move_tail(&elements[0].link, &list);
	expect_list(&list, "370");
}

static void list_splices_in_order(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++)
		list_add_tail(&elements[i].link, i < 3 ? &list : &other_list);
	list_splice(&other_list, &list);
	expect_list(&list, "345012");
	expect_list(&other_list, "");
	list_splice(&other_list, &list);
	expect_list(&list, "345012");
	list_splice_tail(&list, &other_list);
	list_add_tail(&elements[8].link, &list);
	list_splice_tail(&list, &other_list);
	expect_list(&other_list, "3450128");
	expect_list(&list, "");
}

static void list_safe_walk_allows_removal(void **state)
{
	struct element *element, *following;

	(void)state;
	for (int i = 0; i < 10; i++)
		list_add_tail(&elements[i].link, &list);
	list_for_each_entry_safe (element, following, &list, link) {
		if (element->value % 3 != 0)
			list_remove(&element->link);
	}
	expect_list(&list, "0369");
}

enum { BITS = 200 };

static void bitmap_equals_an_array_of_bools(void **state)
{
	DECLARE_BITMAP(map, BITS) = {0};
	bool model[BITS] = {false};
	u64 random = 31337;

	(void)state;
	for (int step = 0; step < 20000; step++) {
		size_t bit = test_random(&random) % BITS;
		size_t count = test_random(&random) % (BITS - bit + 1);
		bool set = test_random(&random) % 2;
		size_t from = test_random(&random) % (BITS + 1),
		       wanted = 1 + test_random(&random) % 70;
		size_t first_set = BITS, first_clear = BITS, run = 0, first_run = BITS, total = 0;

		if (step % 3 == 0) {
			(set ? bitmap_set_range : bitmap_clear_range)(map, bit, count);
			for (size_t i = 0; i < count; i++)
				model[bit + i] = set;
		} else {
			assert_int_equal(
				(set ? bitmap_test_and_set : bitmap_test_and_clear)(map, bit),
				model[bit]);
			model[bit] = set;
		}
		for (size_t i = 0; i < BITS; i++) {
			assert_int_equal(bitmap_test(map, i), model[i]);
			total += model[i];
			if (i < from)
				continue;
			if (model[i] && first_set == BITS)
				first_set = i;
			if (!model[i] && first_clear == BITS)
				first_clear = i;
			run = model[i] ? 0 : run + 1;
			if (run == wanted && first_run == BITS)
				first_run = i + 1 - wanted;
		}
		assert_int_equal(bitmap_count(map, BITS), total);
		assert_int_equal(bitmap_find_set(map, BITS, from), first_set);
		assert_int_equal(bitmap_find_clear(map, BITS, from), first_clear);
		assert_int_equal(bitmap_find_clear_range(map, BITS, from, wanted), first_run);
	}
}

static void bitmap_ignores_bits_beyond_its_size(void **state)
{
	u64 map[2] = {0, ~(u64)0 << 6};

	(void)state;
	assert_int_equal(bitmap_find_set(map, 70, 0), 70);
	assert_int_equal(bitmap_count(map, 70), 0);
	assert_int_equal(bitmap_find_clear_range(map, 70, 0, 71), 70);
	bitmap_set_range(map, 0, 64);
	assert_int_equal(map[1], ~(u64)0 << 6);
}

static void ring_keeps_order_across_its_end(void **state)
{
	u8 bytes[16], block[20];
	struct ring ring;
	u8 next_in = 0, next_out = 0;
	u64 random = 5;

	(void)state;
	ring_init(&ring, bytes, sizeof(bytes));
	assert_int_equal(ring_get(&ring), -1);
	assert_int_equal(ring_unput(&ring), -1);
	for (int step = 0; step < 5000; step++) {
		size_t count = test_random(&random) % 20, done;

		if (test_random(&random) % 2) {
			for (size_t i = 0; i < count; i++)
				block[i] = (u8)(next_in + i);
			done = ring_space(&ring);
			assert_int_equal(ring_write(&ring, block, count), MIN(count, done));
			next_in = (u8)(next_in + MIN(count, done));
		} else {
			done = ring_read(&ring, block, count);
			for (size_t i = 0; i < done; i++)
				assert_int_equal(block[i], next_out++);
		}
		assert_int_equal(ring_used(&ring), (u8)(next_in - next_out));
		if (ring_used(&ring))
			assert_int_equal(ring_peek(&ring, 0), next_out);
	}
	ring_clear(&ring);
	while (ring_put(&ring, 7))
		;
	assert_int_equal(ring_used(&ring), 16);
	assert_int_equal(ring_unput(&ring), 7);
	assert_int_equal(ring_get(&ring), 7);
	assert_int_equal(ring_used(&ring), 14);
}

struct pair {
	int key;
	int rest[2];
};

static int compare_pairs(const void *left, const void *right, void *context)
{
	int *calls = context;
	int a = ((const struct pair *)left)->key, b = ((const struct pair *)right)->key;

	++*calls;
	return a < b ? -1 : a > b;
}

static void sort_orders_and_loses_nothing(void **state)
{
	u64 random = 12345;

	(void)state;
	for (size_t count = 0; count < 300; count++) {
		struct pair *pairs = calloc(count + 1, sizeof(*pairs));
		int sum = 0, calls = 0;

		for (size_t i = 0; i < count; i++) {
			pairs[i].key = (int)(test_random(&random) % 100) - 50;
			pairs[i].rest[1] = pairs[i].key * 3;
			sum += pairs[i].key;
		}
		sort(pairs, count, sizeof(*pairs), compare_pairs, &calls);
		for (size_t i = 0; i < count; i++) {
			assert_true(i == 0 || pairs[i - 1].key <= pairs[i].key);
			assert_int_equal(pairs[i].rest[1], pairs[i].key * 3);
			sum -= pairs[i].key;
		}
		assert_int_equal(sum, 0);
		assert_true(calls <= (int)(3 * count * 9));
		free(pairs);
	}
}

/* The values are CPython's, whose hash of bytes is SipHash-1-3 with a key of zeros at
 * PYTHONHASHSEED=0. */
static void hash_of_bytes_is_siphash_1_3(void **state)
{
	struct hash_key key = {{0, 0}};

	(void)state;
	assert_true(hash_bytes(&key, "a", 1) == 0x407448d2b89b1813);
	assert_true(hash_bytes(&key, "abcdefgh", 8) == 0x3f7b849c0b8e35ea);
	assert_true(hash_bytes(&key, "the quick brown fox jumps", 25) == 0x00c98b97e4f70042);
	key.words[1] = 1;
	assert_true(hash_bytes(&key, "a", 1) != 0x407448d2b89b1813);
}

static void hash_of_numbers_changes_half_the_bits(void **state)
{
	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		int changed = 0;

		for (u64 n = 0; n < 1000; n++)
			changed += __builtin_popcountll(hash_u64(n << 12) ^
							hash_u64(n << 12 ^ BIT(bit)));
		assert_in_range(changed / 1000, 24, 40);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(list_adds_at_both_ends, reset_lists),
		cmocka_unit_test_setup(list_remove_leaves_the_element_on_no_list, reset_lists),
		cmocka_unit_test_setup(list_splices_in_order, reset_lists),
		cmocka_unit_test_setup(list_safe_walk_allows_removal, reset_lists),
		cmocka_unit_test(bitmap_equals_an_array_of_bools),
		cmocka_unit_test(bitmap_ignores_bits_beyond_its_size),
		cmocka_unit_test(ring_keeps_order_across_its_end),
		cmocka_unit_test(sort_orders_and_loses_nothing),
		cmocka_unit_test(hash_of_bytes_is_siphash_1_3),
		cmocka_unit_test(hash_of_numbers_changes_half_the_bits),
	};

	return cmocka_run_group_tests_name("collections", tests, NULL, NULL);
}
