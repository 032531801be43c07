/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Intrusive doubly linked lists.
 *
 * A struct list_head is either the anchor of a list or a link inside an element; an empty list is
 * an anchor that points at itself.  All operations but the walks take constant time.  The list does
 * no locking: whoever owns the anchor says which lock guards it.
 *
 * An element that is on no list has a link that points at itself (after list_init or list_remove),
 * so list_empty(&element->link) tells whether it is on one.
 */
#ifndef LIB_LIST_H
#define LIB_LIST_H

#include "lib/types.h"

struct list_head {
	struct list_head *next, *prev;
};

/* Initialiser of an empty list, for definitions: struct list_head ready = LIST_INIT(ready). */
#define LIST_INIT(name)          \
	{                        \
		&(name), &(name) \
	}

/* Makes @head an empty list, or @head a link that is on no list. */
static inline void list_init(struct list_head *head)
{
	head->next = head;
	head->prev = head;
}

static inline bool list_empty(const struct list_head *head)
{
	return head->next == head;
}

static inline bool list_is_singular(const struct list_head *head)
{
	return head->next != head && head->next == head->prev;
}

static inline bool list_is_last(const struct list_head *link, const struct list_head *head)
{
	return link->next == head;
}

static inline void list_insert_between(struct list_head *link, struct list_head *before,
				       struct list_head *after)
{
	link->prev = before;
	link->next = after;
	before->next = link;
	after->prev = link;
}

/* Puts @link right after @head: first in the list. */
static inline void list_add(struct list_head *link, struct list_head *head)
{
	list_insert_between(link, head, head->next);
}

/* Puts @link right before @head: last in the list, or before the element whose link @head is. */
static inline void list_add_tail(struct list_head *link, struct list_head *head)
{
	list_insert_between(link, head->prev, head);
}

/* Takes @link off its list; harmless when it is on none. */
static inline void list_remove(struct list_head *link)
{
	link->prev->next = link->next;
	link->next->prev = link->prev;
	list_init(link);
}

static inline void list_move(struct list_head *link, struct list_head *head)
{
	list_remove(link);
	list_add(link, head);
}

static inline void list_move_tail(struct list_head *link, struct list_head *head)
{
	list_remove(link);
	list_add_tail(link, head);
}

/* Gives @link's place in its list to @replacement, and leaves @link on no list. */
static inline void list_replace(struct list_head *link, struct list_head *replacement)
{
	list_insert_between(replacement, link->prev, link->next);
	list_init(link);
}

/* Moves all elements of @from to the front of @to, in order; @from is empty afterwards. */
static inline void list_splice(struct list_head *from, struct list_head *to)
{
	if (list_empty(from))
		return;
	from->prev->next = to->next;
	to->next->prev = from->prev;
	to->next = from->next;
	from->next->prev = to;
	list_init(from);
}

/* Moves all elements of @from to the end of @to, in order; @from is empty afterwards. */
static inline void list_splice_tail(struct list_head *from, struct list_head *to)
{
	list_splice(from, to->prev);
}

/* Counts by walking: for tests and statistics. */
static inline size_t list_length(const struct list_head *head)
{
	size_t length = 0;

	for (const struct list_head *at = head->next; at != head; at = at->next)
		length++;
	return length;
}

#define list_entry(link, type, member)       container_of(link, type, member)
#define list_first_entry(head, type, member) list_entry((head)->next, type, member)
#define list_last_entry(head, type, member)  list_entry((head)->prev, type, member)
#define list_next_entry(element, member) \
	list_entry((element)->member.next, __typeof__(*(element)), member)
#define list_prev_entry(element, member) \
	list_entry((element)->member.prev, __typeof__(*(element)), member)

/* The first element, or NULL when the list is empty. */
#define list_first_entry_or_null(head, type, member) \
	(list_empty(head) ? NULL : list_first_entry(head, type, member))

#define list_for_each(at, head) for ((at) = (head)->next; (at) != (head); (at) = (at)->next)

/* Walks the elements.  The list must not change meanwhile. */
#define list_for_each_entry(element, head, member)                               \
	for ((element) = list_first_entry(head, __typeof__(*(element)), member); \
	     &(element)->member != (head); (element) = list_next_entry(element, member))

#define list_for_each_entry_reverse(element, head, member)                      \
	for ((element) = list_last_entry(head, __typeof__(*(element)), member); \
	     &(element)->member != (head); (element) = list_prev_entry(element, member))

/* The same, when the body may remove @element (and it alone); @following is scratch. */
#define list_for_each_entry_safe(element, following, head, member)               \
	for ((element) = list_first_entry(head, __typeof__(*(element)), member), \
	    (following) = list_next_entry(element, member);                      \
	     &(element)->member != (head);                                       \
	     (element) = (following), (following) = list_next_entry(following, member))

#endif
