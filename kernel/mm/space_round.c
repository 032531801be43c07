/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Going round all address spaces; see space_round.h.
 */
#include "mm/space_round.h"

#include "mm/family.h"

void space_round_add(struct space_round *round, struct space_turn *turn,
		     struct address_space *space)
{
	turn->space = space;
	turn->at = 0;
	spin_lock(&round->lock);
	list_add_tail(&turn->link, &round->turns);
	round->count++;
	spin_unlock(&round->lock);
}

void space_round_remove(struct space_round *round, struct space_turn *turn)
{
	spin_lock(&round->lock);
	list_remove(&turn->link);
	round->count--;
	spin_unlock(&round->lock);
}

struct address_space *space_round_first(struct space_round *round)
{
	struct address_space *found = NULL;
	struct space_turn *turn;

	spin_lock(&round->lock);
	list_for_each_entry (turn, &round->turns, link) {
		if (space_try_get(turn->space)) {
			found = turn->space;
			break;
		}
	}
	spin_unlock(&round->lock);
	return found;
}

size_t space_round_advance(struct space_round *round, struct space_turn *turn)
{
	turn->at = 0;
	spin_lock(&round->lock);
	list_move_tail(&turn->link, &round->turns);
	size_t count = round->count;
	spin_unlock(&round->lock);
	return count;
}
