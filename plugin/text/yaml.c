/* SPDX-License-Identifier: GPL-2.0-or-later */
/* YAML as values with their places. Pure. */

#include "plugin/text/yaml.h"

#include <errno.h>
#include <stdlib.h>

#include "plugin/text/yaml_builder.h"

/** yaml_fail() - Say what is wrong with the document; return YAML_E_SYNTAX */
int yaml_fail(struct yaml_stream *stream, const char *problem)
{
	stream->problem = problem;
	stream->problem_at = stream->at;
	return YAML_E_SYNTAX;
}

/** offset_of() - Offset of the character that a mark is at; marks count characters, and come in about their order */
static size_t offset_of(struct yaml_stream *stream, const yaml_mark_t *mark)
{
	while (stream->index < mark->index && stream->at < stream->size) {
		stream->at++;
		while (stream->at < stream->size && ((unsigned char)stream->text[stream->at] & 0xc0) == 0x80)
			stream->at++;
		stream->index++;
	}
	while (stream->index > mark->index && stream->at > 0) {
		stream->at--;
		while (stream->at > 0 && ((unsigned char)stream->text[stream->at] & 0xc0) == 0x80)
			stream->at--;
		stream->index--;
	}
	return stream->at;
}

/** parse() - The next event: 0, YAML_E_SYNTAX, -ENOMEM */
static int parse(struct yaml_stream *stream, yaml_event_t *event)
{
	if (yaml_parser_parse(&stream->parser, event))
		return 0;
	if (stream->parser.error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (stream->parser.error == YAML_READER_ERROR) {
		(void)yaml_fail(stream, stream->parser.problem);
		stream->problem_at = stream->parser.problem_offset < stream->size ? stream->parser.problem_offset : 0;
		return YAML_E_SYNTAX;
	}
	(void)offset_of(stream, &stream->parser.problem_mark);
	return yaml_fail(stream, stream->parser.problem ? stream->parser.problem : "not YAML");
}

/** find_document() - To where the next document begins: 0, YAML_E_END, YAML_E_SYNTAX, -ENOMEM */
static int find_document(struct yaml_stream *stream)
{
	yaml_event_type_t type = YAML_NO_EVENT;
	yaml_event_t event;
	int r = 0;

	while (!r && type != YAML_DOCUMENT_START_EVENT && type != YAML_STREAM_END_EVENT) {
		r = parse(stream, &event);
		if (r)
			return r;
		type = event.type;
		yaml_event_delete(&event);
	}
	return type == YAML_STREAM_END_EVENT ? YAML_E_END : 0;
}

/** yaml_start() - Begin to read @text, which must live as long as the stream; 0 or -ENOMEM */
int yaml_start(struct yaml_stream *stream, const char *text, size_t size)
{
	*stream = (struct yaml_stream){.text = text, .size = size};
	if (!yaml_parser_initialize(&stream->parser))
		return -ENOMEM;
	yaml_parser_set_encoding(&stream->parser, YAML_UTF8_ENCODING);
	yaml_parser_set_input_string(&stream->parser, (const unsigned char *)text, size);
	return 0;
}

/**
 * yaml_next() - Read the next document
 * @stream:	Stream
 * @ret_root:	Its value, a new reference; null when it is empty
 * @ret_tree:	Where the values stand, to be freed with tree_done() before @ret_root
 *
 * Return: 0, YAML_E_SYNTAX (nothing follows that), YAML_E_END, -ENOMEM
 */
int yaml_next(struct yaml_stream *stream, json_t **ret_root, struct tree *ret_tree)
{
	struct builder *builder;
	int r = find_document(stream);

	if (!r && stream->n_documents == LIMIT_YAML_DOCUMENTS)
		r = yaml_fail(stream, "more documents than are read; split the file");
	if (r)
		return r;
	builder = calloc(1, sizeof(*builder));
	if (!builder)
		return -ENOMEM;
	builder->stream = stream;
	stream->n_documents++;
	while (!r) {
		yaml_event_t event;

		r = parse(stream, &event);
		if (r)
			break;
		r = builder_take(builder, &event, offset_of(stream, &event.start_mark));
		yaml_event_delete(&event);
	}
	if (r == YAML_E_END) {
		*ret_root = builder->root ? json_incref(builder->root) : json_null();
		*ret_tree = builder->tree;
		builder->tree = (struct tree){0};
		r = 0;
	}
	builder_done(builder);
	free(builder);
	return r;
}

/** yaml_done() - Release the parser */
void yaml_done(struct yaml_stream *stream)
{
	yaml_parser_delete(&stream->parser);
}
