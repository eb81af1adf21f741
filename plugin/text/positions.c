/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines and columns of many bytes of one text. Pure. */

#include "plugin/text/positions.h"

#include "rangeguard/array.h"

/** add_mark() - One mark more; false without memory */
static bool add_mark(struct positions *positions)
{
	struct position *marks =
		array_room(positions->marks, positions->n_marks, &positions->room, sizeof(*positions->marks));
	struct position next = POSITION_START;

	if (!marks)
		return false;
	positions->marks = marks;
	if (positions->n_marks)
		next = marks[positions->n_marks - 1];
	position_advance(&next, positions->text, positions->n_marks * POSITIONS_STEP);
	marks[positions->n_marks++] = next;
	return true;
}

/**
 * positions_at() - Line and column of a byte
 * @positions:	Positions; @text is set
 * @at:		Its offset in the text, or that of the text's end
 *
 * Return: they; without memory a longer walk finds them
 */
struct position positions_at(struct positions *positions, size_t at)
{
	size_t wanted = at / POSITIONS_STEP;
	struct position position = POSITION_START;

	while (positions->n_marks <= wanted && add_mark(positions))
		;
	if (positions->n_marks)
		position = positions->marks[wanted < positions->n_marks ? wanted : positions->n_marks - 1];
	position_advance(&position, positions->text, at);
	return position;
}

/** positions_done() - Free the marks */
void positions_done(struct positions *positions)
{
	free(positions->marks);
	*positions = (struct positions){0};
}
