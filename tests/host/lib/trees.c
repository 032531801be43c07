/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Red-black and radix trees, each against a plain array as its model, over long random histories,
 * with the trees' own invariants checked on the way.
 */
#include "test.h"

#include <string.h>

#include "lib/errno.h"
#include "lib/radix.h"
#include "lib/rbtree.h"

enum { KEYS = 300, STEPS = 30000 };

struct thing {
	struct rb_node node;
	int key;
	bool is_in;
	int subtree; /* things in the subtree: the summary of the augmented tree */
};

static struct thing things[KEYS];

static struct thing *thing_of(struct rb_node *node)
{
	return rb_entry(node, struct thing, node);
}

static int subtree_of(struct rb_node *node)
{
	return node ? thing_of(node)->subtree : 0;
}

static void count_subtree(struct rb_node *node)
{
	thing_of(node)->subtree = 1 + subtree_of(node->left) + subtree_of(node->right);
}

/* Checks parent, colours, summaries; returns the black height. */
static int check_subtree(struct rb_node *node, struct rb_node *parent)
{
	int left, right;
	bool black;

	if (!node)
		return 1;
	black = node->parent_colour & 1;
	assert_ptr_equal(rb_parent(node), parent);
	assert_true(black || (parent && (parent->parent_colour & 1)));
	left = check_subtree(node->left, node);
	right = check_subtree(node->right, node);
	assert_int_equal(left, right);
	assert_int_equal(thing_of(node)->subtree,
			 1 + subtree_of(node->left) + subtree_of(node->right));
	return left + black;
}

static void check_tree(struct rb_root *root)
{
	struct rb_node *forwards = rb_first(root), *backwards = rb_last(root);
	struct thing *at;
	int key = 0;

	check_subtree(root->top, NULL);
	rb_for_each_entry (at, root, node) {
		for (; !things[key].is_in; key++)
			;
		assert_int_equal(at->key, key++);
	}
	for (key = 0; key < KEYS; key++)
		if (things[key].is_in) {
			assert_ptr_equal(forwards, &things[key].node);
			forwards = rb_next(forwards);
		}
	assert_null(forwards);
	while (key-- > 0)
		if (things[key].is_in) {
			assert_ptr_equal(backwards, &things[key].node);
			backwards = rb_prev(backwards);
		}
	assert_null(backwards);
}

static void insert_thing(struct rb_root *root, struct thing *thing)
{
	struct rb_node **link = &root->top, *parent = NULL;

	while (*link) {
		parent = *link;
		link = thing->key < thing_of(parent)->key ? &parent->left : &parent->right;
	}
	rb_insert(root, &thing->node, parent, link);
	thing->is_in = true;
}

static void rbtree_stays_a_balanced_ordered_tree(void **state)
{
	struct rb_root root = RB_ROOT_AUGMENTED(count_subtree);
	u64 random = 88172645463325252;

	(void)state;
	for (int i = 0; i < KEYS; i++)
		things[i] = (struct thing){.key = i};
	for (int step = 0; step < STEPS; step++) {
		/* Grows and shrinks in turns, down to nothing. */
		bool grow = step / 2000 % 2 == 0 ? test_random(&random) % 4 != 0
						 : test_random(&random) % 4 == 0;
		struct thing *thing = &things[test_random(&random) % KEYS];

		if (grow && !thing->is_in) {
			insert_thing(&root, thing);
		} else if (!grow && thing->is_in) {
			rb_erase(&root, &thing->node);
			thing->is_in = false;
			memset(&thing->node, 0xee, sizeof(thing->node));
		}
		if (step % 16 == 0)
			check_tree(&root);
	}
	for (int i = 0; i < KEYS; i++)
		if (things[i].is_in) {
			rb_erase(&root, &things[i].node);
			things[i].is_in = false;
			check_tree(&root);
		}
	assert_true(rb_is_empty(&root));
}

static void rbtree_replace_keeps_the_shape(void **state)
{
	struct rb_root root = RB_ROOT_AUGMENTED(count_subtree);

	(void)state;
	for (int i = 0; i < KEYS; i++) {
		things[i] = (struct thing){.key = i};
		insert_thing(&root, &things[i]);
	}
	for (int i = 0; i < KEYS; i++) {
		struct thing substitute = things[i];

		rb_replace(&root, &things[i].node, &substitute.node);
		memset(&things[i].node, 0xee, sizeof(things[i].node));
		check_subtree(root.top, NULL);
		rb_replace(&root, &substitute.node, &things[i].node);
		check_tree(&root);
	}
}

/* The radix tree's nodes come from malloc, up to a limit. */
static int nodes_left;
static int nodes_in_use;

static void *alloc_node(size_t size)
{
	void *node;

	if (nodes_left == 0)
		return NULL;
	nodes_left--;
	nodes_in_use++;
	node = malloc(size);
	assert_non_null(node);
	memset(node, 0xa5, size);
	return node;
}

static void free_node(void *node, size_t size)
{
	memset(node, 0x5a, size);
	free(node);
	nodes_in_use--;
}

static const struct radix_ops radix_ops = {alloc_node, free_node};

enum { INDICES = 200 };

/* The model: all indices that occur, in order. */
static struct {
	u64 index;
	int *item;
	bool tags[RADIX_TAGS];
} model[INDICES];

static int items[INDICES];

static int compare_u64(const void *left, const void *right)
{
	u64 a = *(const u64 *)left, b = *(const u64 *)right;

	return a < b ? -1 : a > b;
}

/* Indices that lie close together, and some far apart, up to the greatest. */
static void choose_indices(u64 *random)
{
	u64 indices[INDICES];

	for (u64 i = 0; i < INDICES; i++)
		indices[i] = i < 100 ? i : i < 150 ? 4000 + 3 * i : test_random(random) >> (i % 60);
	indices[INDICES - 1] = UINT64_MAX;
	indices[INDICES - 2] = UINT64_MAX - 1;
	indices[INDICES - 3] = (u64)1 << 60;
	qsort(indices, INDICES, sizeof(u64), compare_u64);
	memset(model, 0, sizeof(model));
	for (int i = 0; i < INDICES; i++) {
		model[i].index = indices[i];
		while (i && model[i].index <= model[i - 1].index)
			model[i].index = model[i - 1].index + 1;
	}
}

static void check_searches(const struct radix_tree *tree, u64 from)
{
	for (int tag = -1; tag < RADIX_TAGS; tag++) {
		u64 found = from;
		void *item = tag < 0 ? radix_next(tree, &found)
				     : radix_next_tagged(tree, &found, (enum radix_tag)tag);
		int i = 0;

		while (i < INDICES && (model[i].index < from || !model[i].item ||
				       (tag >= 0 && !model[i].tags[tag])))
			i++;
		if (i == INDICES) {
			assert_null(item);
			continue;
		}
		assert_ptr_equal(item, model[i].item);
		assert_true(found == model[i].index);
	}
}

static void check_radix(const struct radix_tree *tree)
{
	u64 count = 0;
	bool any[RADIX_TAGS] = {false};

	for (int i = 0; i < INDICES; i++) {
		assert_ptr_equal(radix_lookup(tree, model[i].index), model[i].item);
		count += model[i].item != NULL;
		for (int tag = 0; tag < RADIX_TAGS; tag++) {
			any[tag] |= model[i].tags[tag];
			assert_int_equal(radix_tag_test(tree, model[i].index, (enum radix_tag)tag),
					 model[i].tags[tag]);
		}
		check_searches(tree, model[i].index);
	}
	assert_int_equal(tree->count, count);
	assert_int_equal(radix_is_empty(tree), count == 0);
	assert_true(count != 0 || (tree->top == NULL && nodes_in_use == 0));
	for (int tag = 0; tag < RADIX_TAGS; tag++)
		assert_int_equal(radix_tagged(tree, (enum radix_tag)tag), any[tag]);
}

static void random_radix_step(struct radix_tree *tree, u64 *random, bool grow)
{
	int i = (int)(test_random(random) % INDICES);
	enum radix_tag tag = (enum radix_tag)(test_random(random) % RADIX_TAGS);

	switch (test_random(random) % 4) {
	case 0:
	case 1:
		if (grow) {
			assert_int_equal(radix_insert(tree, model[i].index, &items[i]),
					 model[i].item ? -EEXIST : 0);
			model[i].item = &items[i];
		} else {
			assert_ptr_equal(radix_erase(tree, model[i].index), model[i].item);
			model[i].item = NULL;
			memset(model[i].tags, 0, sizeof(model[i].tags));
		}
		break;
	case 2:
		radix_tag_set(tree, model[i].index, tag);
		model[i].tags[tag] = model[i].item != NULL;
		break;
	default:
		radix_tag_clear(tree, model[i].index, tag);
		model[i].tags[tag] = false;
	}
}

static void radix_tree_equals_its_model(void **state)
{
	struct radix_tree tree = RADIX_TREE_INIT(&radix_ops);
	u64 random = 4711;

	(void)state;
	nodes_left = -1;
	choose_indices(&random);
	for (int step = 0; step < 20000; step++) {
		random_radix_step(&tree, &random, step / 3000 % 2 == 0);
		if (step % 64 == 0)
			check_radix(&tree);
	}
	for (int i = 0; i < INDICES; i++) {
		radix_erase(&tree, model[i].index);
		model[i].item = NULL;
		memset(model[i].tags, 0, sizeof(model[i].tags));
	}
	check_radix(&tree);
}

static void radix_insert_that_finds_no_memory_changes_nothing(void **state)
{
	struct radix_tree tree = RADIX_TREE_INIT(&radix_ops);
	u64 random = 99;
	int refused = 0;

	(void)state;
	choose_indices(&random);
	for (int step = 0; step < 4000; step++) {
		int i = (int)(test_random(&random) % INDICES);
		int before = nodes_in_use, result;

		if (test_random(&random) % 3 == 0) {
			assert_ptr_equal(radix_erase(&tree, model[i].index), model[i].item);
			model[i].item = NULL;
			continue;
		}
		nodes_left = (int)(test_random(&random) % 6);
		result = radix_insert(&tree, model[i].index, &items[i]);
		if (result == -ENOMEM) {
			assert_int_equal(nodes_in_use, before);
			refused++;
		} else {
			assert_int_equal(result, model[i].item ? -EEXIST : 0);
			model[i].item = &items[i];
		}
		if (step % 16 == 0)
			check_radix(&tree);
	}
	assert_true(refused > 100);
	radix_destroy(&tree, NULL, NULL);
	assert_int_equal(nodes_in_use, 0);
}

static void note_release(void *item, u64 index, void *context)
{
	int *count = context;

	for (int i = 0; i < INDICES; i++)
		if (model[i].index == index) {
			assert_ptr_equal(item, model[i].item);
			model[i].item = NULL;
			++*count;
			return;
		}
	fail();
}

static void radix_destroy_releases_each_item_once(void **state)
{
	struct radix_tree tree = RADIX_TREE_INIT(&radix_ops);
	u64 random = 7;
	int count = 0;

	(void)state;
	nodes_left = -1;
	choose_indices(&random);
	for (int i = 0; i < INDICES; i++) {
		assert_int_equal(radix_insert(&tree, model[i].index, &items[i]), 0);
		model[i].item = &items[i];
	}
	radix_destroy(&tree, note_release, &count);
	assert_int_equal(count, INDICES);
	assert_int_equal(nodes_in_use, 0);
	assert_true(radix_is_empty(&tree));
}

static void radix_replace_keeps_tags(void **state)
{
	struct radix_tree tree = RADIX_TREE_INIT(&radix_ops);

	(void)state;
	nodes_left = -1;
	assert_int_equal(radix_insert(&tree, 70, &items[0]), 0);
	radix_tag_set(&tree, 70, RADIX_TAG_1);
	assert_ptr_equal(radix_replace(&tree, 70, &items[1]), &items[0]);
	assert_ptr_equal(radix_lookup(&tree, 70), &items[1]);
	assert_true(radix_tag_test(&tree, 70, RADIX_TAG_1));
	assert_null(radix_replace(&tree, 71, &items[1]));
	assert_null(radix_lookup(&tree, 71));
	radix_destroy(&tree, NULL, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rbtree_stays_a_balanced_ordered_tree),
		cmocka_unit_test(rbtree_replace_keeps_the_shape),
		cmocka_unit_test(radix_tree_equals_its_model),
		cmocka_unit_test(radix_insert_that_finds_no_memory_changes_nothing),
		cmocka_unit_test(radix_destroy_releases_each_item_once),
		cmocka_unit_test(radix_replace_keeps_tags),
	};

	return cmocka_run_group_tests_name("trees", tests, NULL, NULL);
}
